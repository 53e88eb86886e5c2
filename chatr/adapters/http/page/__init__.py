"""The watch page: HTML, CSS and ES modules, and the HTML that is rendered on the server."""
