// Package dial carries sessions over our own data channel: it opens channels with the
// credentials of a configuration, resumes them, counts their traffic, and knows which
// faults pass by themselves. It never listens and never asks the guard. Start with
// Dialer in dialer.go.
package dial
