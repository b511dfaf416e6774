package private

import "io/fs"

const noFollow = 0

// OwnerOf returns nothing: on Windows, access control lists say who may write a file,
// and os.FileInfo does not have them.
func OwnerOf(fs.FileInfo) (Owner, bool) { return Owner{}, false }

// forOthers is false: Windows shows every file as open to all, and there the user's own
// directories keep others out.
func forOthers(fs.FileMode) bool { return false }
