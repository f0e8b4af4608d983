"""The digest of a tokenizer changes with all that changes a text's tokens, and with nothing else."""

import json

from vetset.evaluate.models.weights_digest import tokenizer_digest


def test_settings_and_added_tokens_count_and_where_the_folder_stood_does_not(tmp_path):
    def digest(added="{}", **settings):
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
        (tmp_path / "added_tokens.json").write_text(added, encoding="utf-8")
        return tokenizer_digest(tmp_path)

    base = digest(add_bos_token=True)
    assert digest(add_bos_token=True, name_or_path="/elsewhere", chat_template="{{ messages }}") == base
    others = {digest(add_bos_token=False), digest('{"<tool>": 7}', add_bos_token=True)}
    (tmp_path / "tokenizer_config.json").write_text("{", encoding="utf-8")
    assert len({base, *others, tokenizer_digest(tmp_path)}) == 4
