// Package yamlfile reads a YAML file that a user wrote into a struct, and says with its
// line everything that is wrong in it. It never knows what a file is about: which values
// are good ones is for its callers to say, as further Faults. Start with Decode in decode.go.
package yamlfile
