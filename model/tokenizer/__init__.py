"""Text to token ids and back, byte by byte; every format of tokenizers that people have.

`tokenizer.Tokenizer` is what the rest of the program asks; `files` reads what lies on disk,
`client` keeps a large one in a process of its own.
"""
