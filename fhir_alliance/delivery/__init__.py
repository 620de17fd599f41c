"""Nothing accepted is lost, nothing is written twice: from the durable receipt to the read-back in the chart."""
