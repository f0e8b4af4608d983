"""What a person who reviews a set looks at and works through: mapped frames, what stands, queues, leases, bulk decisions."""
