// Package yamlfile decodes a user's YAML file into a struct, and returns every fault
// with its line. It never knows the meaning of a file: callers check the values and add
// further Faults. Start with Decode in decode.go.
package yamlfile
