package configs

import "io/fs"

const nonblock = 0

// ownerOf knows nothing here: who may write a file is said by lists that
// os.FileInfo does not have.
func ownerOf(fs.FileInfo) (owner, bool) { return owner{}, false }
