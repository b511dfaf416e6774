// Package health answers for the tunnels of a process over HTTP, for those who watch
// processes: whether it lives, whether its tunnels are ready, and its numbers as Prometheus
// reads them. It tells neither hosts nor reasons, which `tunnel ls` tells to its user, and
// changes nothing. Start with Server in health.go; metrics.go has the numbers.
package health
