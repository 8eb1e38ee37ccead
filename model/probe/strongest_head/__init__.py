"""The head that reads one earlier token most: where a first look begins."""
