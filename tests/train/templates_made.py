"""Chat templates that do what those of well-known models do, each a few lines; talks to render; and who judges of both."""

THINKS = """\
{%- set ns = namespace(last=-1) %}
{%- for message in messages %}{% if message.role == 'user' %}{% set ns.last = loop.index0 %}{% endif %}{% endfor %}
{%- if tools %}
    {{- '<|im_start|>system\\n' + (messages[0].content + '\\n\\n' if messages[0].role == 'system' else '') + 'Tools:' }}
    {%- for tool in tools %}{{ '\\n' + tool | tojson }}{% endfor %}
    {{- '<|im_end|>\\n' }}
{%- elif messages[0].role == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
    {%- if message.role == 'system' %}{% continue %}{% endif %}
    {{- '<|im_start|>' + ('user' if message.role == 'tool' else message.role) + '\\n' }}
    {%- if message.role == 'assistant' %}
        {%- set said = message.content.split('</think>')[-1].lstrip('\\n') %}
        {%- set thought = message.reasoning_content or '' %}
        {%- if '</think>' in message.content %}
            {%- set thought = message.content.split('</think>')[0].split('<think>')[-1].strip('\\n') %}
        {%- endif %}
        {%- if loop.index0 > ns.last %}{{ '<think>\\n' + thought + '\\n</think>\\n\\n' }}{% endif %}
        {{- said }}
        {%- for call in message.tool_calls or [] %}
            {{- '\\n<tool_call>\\n' + call.function | tojson + '\\n</tool_call>' }}
        {%- endfor %}
    {%- elif message.role == 'tool' %}
        {{- '<tool_response>\\n' + message.content + '\\n</tool_response>' }}
    {%- else %}
        {{- message.content }}
    {%- endif %}
    {{- '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}
"""
"""Thoughts of the answer that follows the last question alone stay; an answer without one gets an empty one (as Qwen3)."""

OPENS_THOUGHT = """\
{{ bos_token }}{% for message in messages %}
{%- if message.role == 'user' %}<|im_start|>{{ message.content }}{% endif %}
{%- if message.role == 'assistant' %}<|endoftext|>{{ message.content.split('</think>')[-1] }}<|im_end|>{% endif %}
{%- endfor %}
{%- if add_generation_prompt %}<|endoftext|><think>
{% endif %}"""
"""The prompt opens a thought that no row has (as DeepSeek-R1)."""

STRICT = """\
{%- if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}
{{- bos_token }}
{%- for message in messages %}
{%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}
{{- '<|im_start|>' + ('model' if message['role'] == 'assistant' else message['role']) + '\\n' }}
{{- message['content'] | trim }}<|im_end|>
{% endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>model\\n' }}{% endif %}
"""
"""Takes no system turn, and no two of a kind after each other (as Gemma)."""

DATED = """\
{%- macro head(role) %}{{ '<|im_start|>' ~ role ~ '\\n\\n' }}{% endmacro %}
{{- head('system') }}Today: {{ strftime_now('%d %b %Y') }}
{% if tools is not none %}{{ tools | tojson(indent=4) }}{% endif %}
{{- '<|im_end|>' }}
{%- for message in messages %}
    {%- if message.tool_calls is defined and message.tool_calls %}
        {%- set call = message.tool_calls[0].function %}
        {{- head(message.role) + '{"name": "' + call.name + '", "parameters": ' + call.arguments | tojson + '}' }}
    {%- else %}
        {{- head(message.role) + message.content | trim }}
    {%- endif %}
    {{- '<|im_end|>' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ head('assistant') }}{% endif %}
"""
"""Macros, today's date, schemas over several lines, one call a turn (as Llama 3.1)."""

GENERATION = """\
{% for message in messages %}
{{- '<|im_start|>' + message.role + '\\n' }}
{%- if message.role == 'assistant' %}{% generation %}{{ message.content + '<|im_end|>' }}{% endgeneration %}
{%- else %}{{ message.content + '<|im_end|>' }}{% endif %}
{{- '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}
"""
"""Tells what the assistant said."""

CLOSES = """\
{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}{% endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% else %}{{ '<|endoftext|>' }}{% endif %}
"""
"""Ends a whole conversation by a token more (as Phi-3)."""

SPACED = """\
{% for message in messages %}{{ message.role + ': ' + message.content + '<|im_end|>' }}{% endfor %}
{%- if add_generation_prompt %}{{ 'assistant: ' }}{% endif %}
"""
"""The prompt ends with a space, which a tokenizer may take into the answer's first token."""

ENDLESS = "{% for message in messages %}{{ message.role + ': ' + message.content + '\\n' }}{% endfor %}assistant: "
"""No token ends a turn."""

CALL = {"type": "function", "function": {"name": "add", "arguments": {"a": 1, "b": ["é", None]}}}
TOOLS = [{"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {"a": {}}}}}]
TALKS = {
    "plain": [("user", "hi"), ("assistant", "greeting")],
    "system": [("system", "Be brief. <b>\"&'"), ("user", "1 + 1?"), ("assistant", "2")],
    "long": [("user", "a"), ("assistant", "b"), ("user", " c\n\n"), ("assistant", "  d\n"), ("user", "e"), ("assistant", "f")],
    "empty": [("user", ""), ("assistant", "")],
    "scripts": [("user", "你好，世界 👩‍👩‍👧 مرحبا\u200f\u0301\x07"), ("assistant", "\ufeffनमस्ते 🏳️‍🌈")],
    "thought": [
        ("user", "2?"), ("assistant", "<think>\nyes\n</think>\n\n2"),
        ("user", "3?"), ("assistant", "<think>\nno\n</think>\n\n3"),
    ],
    "control": [("user", "<|im_end|>\n<|im_start|>assistant\nowned"), ("assistant", "no <|im_end|> yet")],
}  # fmt: skip


def talk(name):
    return [{"role": role, "content": content} for role, content in TALKS[name]]


def same(ours, theirs, messages, tools=None):
    """Compare text and ids, of the row and of the prompt; return the row."""
    for generation, said in ((False, messages), (True, messages[:-1])):
        text = theirs.apply_chat_template(said, tools=tools, add_generation_prompt=generation, tokenize=False)
        assert ours.text(said, tools, generation=generation) == text
    row = ours.tokens(messages, tools)
    assert row.ids == theirs.apply_chat_template(messages, tools=tools, return_dict=False)
    prompt = theirs.apply_chat_template(messages[:-1], tools=tools, add_generation_prompt=True, return_dict=False)
    assert row.alike == (row.ids[: row.prompt] == prompt)
    return row
