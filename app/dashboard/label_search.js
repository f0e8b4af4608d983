// The box of label_search.py. Runs again at every draw: handlers are replaced, never stacked.
const SHOWN = 8
const boxes = new WeakMap() // box -> what is to be undone when it goes

const folded = (text) => text.normalize("NFKC").toLowerCase().replace(/[\s_-]+/g, " ").trim()

function found(labels, typed) {
  const parts = folded(typed).split(" ").filter(Boolean)
  if (!parts.length) return []
  const hits = []
  for (const label of labels) {
    const name = folded(label)
    if (parts.every((part) => name.includes(part))) hits.push([name.startsWith(parts[0]) ? 0 : 1, label])
  }
  hits.sort((one, other) => one[0] - other[0]) // stable: the commonest first among equals
  return hits.slice(0, SHOWN).map((hit) => hit[1])
}

function typingElsewhere(target) {
  return target instanceof Element && (target.closest("input, textarea, select, [contenteditable=true]") || target.isContentEditable)
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component
  const box = parentElement.querySelector(".vetset-labels")
  const input = box.querySelector("input")
  const list = box.querySelector("ul")
  let choices = []
  let at = 0
  let asked = false // whether Enter was pressed on a new label once: a slip of the pen must not make one

  const close = () => {
    asked = false
    list.hidden = true
    list.replaceChildren()
    input.setAttribute("aria-expanded", "false")
  }
  const pick = (choice) => {
    input.value = ""
    close()
    input.blur() // the next key is for the row again
    setTriggerValue("picked", { label: choice.label, row: data.row })
  }
  const fresh = (label, again) => `${data.cut ? "New or rare label" : "New label"}: ${label}${again ? " — Enter once more" : ""}`
  const draw = () => {
    const typed = input.value.trim()
    choices = found(data.labels, typed).map((label) => ({ label, fresh: false }))
    if (typed && !data.labels.includes(typed)) choices.push({ label: typed, fresh: true })
    at = Math.min(at, Math.max(choices.length - 1, 0))
    list.replaceChildren(
      ...choices.map((choice, number) => {
        const item = document.createElement("li")
        item.setAttribute("role", "option")
        item.setAttribute("aria-selected", String(number === at))
        item.dir = "auto"
        item.textContent = choice.fresh ? fresh(choice.label, asked && number === at) : choice.label
        item.onmousedown = (event) => {
          event.preventDefault()
          pick(choice)
        }
        return item
      }),
    )
    list.hidden = choices.length === 0
    input.setAttribute("aria-expanded", String(choices.length > 0))
  }

  input.placeholder = data.cut
    ? "Any label: press L, type a part, Enter; rarer ones have to be typed whole"
    : "Any label: press L, type a part, Enter"
  input.setAttribute("aria-label", "Any label")
  input.dir = "auto"
  input.oninput = () => {
    at = 0
    asked = false
    draw()
  }
  input.onblur = close
  input.onkeydown = (event) => {
    event.stopPropagation()
    if (event.isComposing) return // Enter ends a word of an input method here
    if (event.key === "Enter" && choices[at] && !list.hidden) {
      if (event.repeat) return event.preventDefault() // a key held down is one press
      if (choices[at].fresh && !asked) {
        asked = true
        draw()
      } else pick(choices[at])
    } else if (event.key === "Escape") {
      input.value = ""
      close()
      input.blur()
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      asked = false
      at = (at + (event.key === "ArrowDown" ? 1 : -1) + choices.length) % Math.max(choices.length, 1)
      draw()
    } else return
    event.preventDefault()
  }

  boxes.get(box)?.()
  const reach = (event) => {
    if (event.key.toLowerCase() !== "l" || event.ctrlKey || event.metaKey || event.altKey) return
    if (typingElsewhere(event.target) || document.querySelector("[role=dialog]")) return
    event.preventDefault()
    input.focus()
    input.scrollIntoView({ block: "nearest" })
  }
  document.addEventListener("keydown", reach)
  const undo = () => document.removeEventListener("keydown", reach)
  boxes.set(box, undo)
  return undo
}
