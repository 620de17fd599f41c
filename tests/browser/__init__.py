"""The product in a real browser: what people click, type, see and must not be able to see."""
