// Package peertest connects as another user, for tests. It acts in processes of its own:
// copies of the test's program. Start with Talk in peertest_linux.go.
package peertest
