package api

import (
	"encoding/base64"
	"strconv"
)

// Page returns one page of a list: at most size entries from the position of token.
// next is "" on the last page; ok is false for a token that Page did not return.
func Page[T any](all []T, token string, size int) (part []T, next string, ok bool) {
	from := 0
	if token != "" {
		text, err := base64.StdEncoding.DecodeString(token)
		if err != nil {
			return nil, "", false
		}
		if from, err = strconv.Atoi(string(text)); err != nil || from < 0 || from > len(all) {
			return nil, "", false
		}
	}
	to := min(from+size, len(all))
	if to < len(all) {
		next = base64.StdEncoding.EncodeToString([]byte(strconv.Itoa(to)))
	}
	return all[from:to], next, true
}

// PageSize returns the wanted page size within the operation's limits; 0 stands for the
// default.
func PageSize(asked, standard, most int) int {
	if asked <= 0 {
		return standard
	}
	return min(asked, most)
}
