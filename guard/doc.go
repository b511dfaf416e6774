// Package guard decides whether a caller may start a session: a Request has Needs,
// each need is judged by every judge, and the rulings make a Decision. It never
// calls AWS, never starts anything, and never says what to do: guard/finding says
// what a denial means, guard/repair what would repair it. Start with check.go, then
// needs.go and decision.go.
package guard
