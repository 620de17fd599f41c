"""What is asked, of whom, in which words, and how it is scored: instruments read from data."""
