// Package service makes a tunnel a service of the user's session: a unit of systemd, an agent
// of launchd. It writes and removes files that it has shown before, and opens no tunnel: the
// service manager starts `ssmguard tunnel up`. Start with Run in service.go; unit.go and
// agent.go have the files.
package service
