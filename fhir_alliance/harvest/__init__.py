"""Answers that another form filler wrote into the EHR: found, checked, and scored by us."""
