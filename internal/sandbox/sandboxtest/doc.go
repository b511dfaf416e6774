// Package sandboxtest serves worlds for tests. Nothing but tests imports it.
package sandboxtest
