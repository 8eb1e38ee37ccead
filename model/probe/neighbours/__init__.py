"""Tokens near a word, or near a sum of words such as "king - man + woman".

Which tokens are meant is read by `sums`, free of torch; what is near is found by
`model.space.questions.near`.
"""
