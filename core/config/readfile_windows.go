package config

// nonblock is not needed: no file of Windows waits when it is opened.
const nonblock = 0
