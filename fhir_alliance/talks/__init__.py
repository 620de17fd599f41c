"""What a clinician and a patient may talk about: reasons that were answered, and what they agreed to try."""
