package configs

const nonblock = 0
