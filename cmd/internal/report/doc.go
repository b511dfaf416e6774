// Package report turns facts into bytes: text for people, JSON for programs.
package report
