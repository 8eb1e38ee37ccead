"""What comes with the program as files: the bundled checkpoint, texts and icons. Knows no code."""
