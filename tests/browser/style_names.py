"""Names of the styles that the browser tests choose from."""

OPEN = "Harbour Prints"
CLOSED = "Salt Paper"
PRICED = "Copper Lines"
HOSTILE = "<img src=x onerror=document.title='hit'>"
