"""Chat templates that know tools: short ones, which write calls as those that are published with models do."""

from __future__ import annotations

_TAGGED = (
    "{%- if tools %}{{- '<|im_start|>system\\n' }}"
    "{%- if messages[0]['role'] == 'system' %}{{- messages[0]['content'] + '\\n\\n' }}{%- endif %}"
    "{{- '# Tools\\n\\n<tools>' }}"
    "{%- for tool in tools %}{{- '\\n' }}{{- tool | tojson }}{%- endfor %}"
    "{{- '\\n</tools>\\n\\n<tool_call>\\n' }}"
    '{{- \'{"name": <function-name>, "arguments": <args-json-object>}\\n</tool_call>\' }}'
    "{{- '<|im_end|>\\n' }}"
    "{%- elif messages[0]['role'] == 'system' %}"
    "{{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}{%- endif %}"
    "{%- for message in messages %}"
    "{%- if message.role == 'user' %}{{- '<|im_start|>user\\n' + message.content + '<|im_end|>\\n' }}"
    "{%- elif message.role == 'assistant' %}{{- '<|im_start|>assistant\\n' }}THOUGHTS{{- message.content }}"
    "{%- for call in message.tool_calls %}{%- if not loop.first or message.content %}{{- '\\n' }}{%- endif %}"
    "{{- '<tool_call>\\n' }}{%- set call = call.function %}CALL{{- '\\n</tool_call>' }}{%- endfor %}"
    "{{- '<|im_end|>\\n' }}"
    "{%- elif message.role == 'tool' %}"
    "{%- if loop.index0 == 0 or messages[loop.index0 - 1].role != 'tool' %}{{- '<|im_start|>user' }}{%- endif %}"
    "{{- '\\n<tool_response>\\n' }}{{- message.content }}{{- '\\n</tool_response>' }}"
    "{%- if loop.last or messages[loop.index0 + 1].role != 'tool' %}{{- '<|im_end|>\\n' }}{%- endif %}"
    "{%- endif %}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)
_JSON_CALL = (
    "{{- '{\"name\": \"' }}{{- call.name }}{{- '\", \"arguments\": ' }}{{- call.arguments | tojson }}{{- '}' }}"
)
_XML_CALL = (
    "{{- '<function=' + call.name + '>\\n' }}{%- for key, value in call.arguments | items %}"
    "{{- '<parameter=' + key + '>\\n' + value | string + '\\n</parameter>\\n' }}{%- endfor %}{{- '</function>' }}"
)
_NO_THOUGHTS = "{%- if loop.last %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}"

QWEN = _TAGGED.replace("CALL", _JSON_CALL).replace("THOUGHTS", "")
"""As Qwen 2.5 and Hermes: every call between tags."""

QWEN_3 = _TAGGED.replace("CALL", _JSON_CALL).replace("THOUGHTS", _NO_THOUGHTS)
"""As Qwen 3: the last answer begins with thoughts."""

XML = _TAGGED.replace("CALL", _XML_CALL).replace("THOUGHTS", "")
"""As Qwen 3 Coder: arguments in tags, which are no JSON."""

LLAMA = (
    "{{- bos_token }}{%- if not tools is defined %}{%- set tools = none %}{%- endif %}"
    "{%- if messages[0].role == 'system' %}{%- set system = messages[0].content | trim %}"
    "{%- set messages = messages[1:] %}{%- else %}{%- set system = '' %}{%- endif %}"
    "{{- '<|start_header_id|>system<|end_header_id|>\\n\\n' + system + '<|eot_id|>' }}"
    "{%- if tools is not none %}"
    "{%- set first = messages[0].content | trim %}{%- set messages = messages[1:] %}"
    "{{- '<|start_header_id|>user<|end_header_id|>\\n\\nRespond in the format ' }}"
    '{{- \'{"name": function name, "parameters": dictionary of argument name and its value}.\\n\\n\' }}'
    "{%- for t in tools %}{{- t | tojson(indent=4) }}{{- '\\n\\n' }}{%- endfor %}"
    "{{- first + '<|eot_id|>' }}{%- endif %}"
    "{%- for message in messages %}"
    "{%- if not (message.role == 'tool' or 'tool_calls' in message) %}"
    "{{- '<|start_header_id|>' + message.role + '<|end_header_id|>\\n\\n' + message.content | trim + '<|eot_id|>' }}"
    "{%- elif 'tool_calls' in message %}"
    "{%- if not message.tool_calls | length == 1 %}{{- raise_exception('only single tool-calls') }}{%- endif %}"
    "{%- set call = message.tool_calls[0].function %}"
    "{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' -}}"
    "{{- '{\"name\": \"' + call.name + '\", ' }}{{- '\"parameters\": ' }}{{- call.arguments | tojson }}{{- '}' }}"
    "{{- '<|eot_id|>' }}"
    "{%- elif message.role == 'tool' %}{{- '<|start_header_id|>ipython<|end_header_id|>\\n\\n' }}"
    "{%- if message.content is mapping or message.content is iterable %}{{- message.content | tojson }}"
    "{%- else %}{{- message.content }}{%- endif %}{{- '<|eot_id|>' }}"
    "{%- endif %}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{%- endif %}"
)
"""As Llama 3.1 and 3.2: a call is an object, and nothing else; only one at a time."""

MISTRAL = (
    "{%- if messages[0].role == 'system' %}{%- set system = messages[0].content %}{%- set rest = messages[1:] %}"
    "{%- else %}{%- set rest = messages %}{%- endif %}"
    "{%- if not tools is defined %}{%- set tools = none %}{%- endif %}"
    "{%- set users = rest | selectattr('role', 'equalto', 'user') | list %}"
    "{%- set ns = namespace(index=0) %}"
    "{%- for m in rest %}{%- if not (m.role == 'tool' or (m.tool_calls is defined and m.tool_calls is not none)) %}"
    "{%- if (m.role == 'user') != (ns.index % 2 == 0) %}{{- raise_exception('roles must alternate') }}{%- endif %}"
    "{%- set ns.index = ns.index + 1 %}{%- endif %}{%- endfor %}"
    "{{- bos_token }}"
    "{%- for message in rest %}{%- if message.role == 'user' %}"
    "{%- if tools is not none and message == users[-1] %}{{- '[AVAILABLE_TOOLS][' }}"
    '{%- for tool in tools %}{{- \'{"type": "function", "function": {\' }}'
    "{%- for key, val in tool.function.items() if key != 'return' %}"
    "{%- if val is string %}{{- '\"' + key + '\": \"' + val + '\"' }}"
    "{%- else %}{{- '\"' + key + '\": ' + val | tojson }}{%- endif %}"
    "{%- if not loop.last %}{{- ', ' }}{%- endif %}{%- endfor %}{{- '}}' }}"
    "{%- if not loop.last %}{{- ', ' }}{%- else %}{{- ']' }}{%- endif %}{%- endfor %}"
    "{{- '[/AVAILABLE_TOOLS]' }}{%- endif %}"
    "{%- if loop.last and system is defined %}{{- '[INST]' + system + '\\n\\n' + message.content + '[/INST]' }}"
    "{%- else %}{{- '[INST]' + message.content + '[/INST]' }}{%- endif %}"
    "{%- elif message.tool_calls is defined and message.tool_calls is not none %}{{- '[TOOL_CALLS][' }}"
    "{%- for call in message.tool_calls %}{%- set out = call.function | tojson %}{{- out[:-1] }}"
    "{%- if call.id | length != 9 %}{{- raise_exception('IDs have length 9') }}{%- endif %}"
    "{{- ', \"id\": \"' + call.id + '\"}' }}"
    "{%- if not loop.last %}{{- ', ' }}{%- else %}{{- ']' + eos_token }}{%- endif %}{%- endfor %}"
    "{%- elif message.role == 'assistant' %}{{- message.content + eos_token }}"
    "{%- elif message.role == 'tool' %}{{- '[TOOL_RESULTS]{\"content\": ' + message.content | string + ', ' }}"
    "{%- if message.tool_call_id | length != 9 %}{{- raise_exception('IDs have length 9') }}{%- endif %}"
    "{{- '\"call_id\": \"' + message.tool_call_id + '\"}[/TOOL_RESULTS]' }}"
    "{%- else %}{{- raise_exception('no such role') }}{%- endif %}{%- endfor %}"
)
"""As Mistral Nemo: a list of calls, each with an id of nine letters."""

_CALLS = slice(MISTRAL.index("{{- '[TOOL_CALLS]['"), MISTRAL.index("{%- elif message.role == 'assistant' %}"))
MISTRAL_SMALL = MISTRAL.replace(
    MISTRAL[_CALLS],
    "{%- for call in message.tool_calls %}{{- '[TOOL_CALLS]' + call.function.name + '[CALL_ID]' + call.id + '[ARGS]' }}"
    "{{- call.function.arguments | tojson }}{%- endfor %}{{- eos_token }}",
)
"""As Mistral Small 3.2: calls end with their arguments, and have their ids before."""

QWQ = QWEN.replace("assistant\\n' }}{%- endif %}", "assistant\\n<think>\\n' }}{%- endif %}")
"""As QwQ: a prompt ends with what earlier answers do not begin with."""
