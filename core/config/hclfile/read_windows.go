package hclfile

// nonblock is not needed: opening a file never waits on Windows.
const nonblock = 0
