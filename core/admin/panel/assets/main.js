// Starts the panel.
document.title = 'aitunnel';
