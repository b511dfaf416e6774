package awsiam

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"ssmguard/guard/policy"
)

const mfaPresent = "aws:MultiFactorAuthPresent"

// keyTypes are the types of the keys that are not strings, in lower case.
var keyTypes = map[string]iamtypes.ContextKeyTypeEnum{
	"aws:multifactorauthpresent":     iamtypes.ContextKeyTypeEnumBoolean,
	"aws:multifactorauthage":         iamtypes.ContextKeyTypeEnumNumeric,
	"aws:securetransport":            iamtypes.ContextKeyTypeEnumBoolean,
	"aws:viaawsservice":              iamtypes.ContextKeyTypeEnumBoolean,
	"aws:principalisawsservice":      iamtypes.ContextKeyTypeEnumBoolean,
	"aws:currenttime":                iamtypes.ContextKeyTypeEnumDate,
	"aws:tokenissuetime":             iamtypes.ContextKeyTypeEnumDate,
	"aws:epochtime":                  iamtypes.ContextKeyTypeEnumNumeric,
	"aws:sourceip":                   iamtypes.ContextKeyTypeEnumIp,
	"aws:vpcsourceip":                iamtypes.ContextKeyTypeEnumIp,
	"ssm:sessiondocumentaccesscheck": iamtypes.ContextKeyTypeEnumBoolean,
	"ecs:enable-execute-command":     iamtypes.ContextKeyTypeEnumBoolean,
	"kms:multiregion":                iamtypes.ContextKeyTypeEnumBoolean,
}

var listTypes = map[iamtypes.ContextKeyTypeEnum]iamtypes.ContextKeyTypeEnum{
	iamtypes.ContextKeyTypeEnumString:  iamtypes.ContextKeyTypeEnumStringList,
	iamtypes.ContextKeyTypeEnumBoolean: iamtypes.ContextKeyTypeEnumBooleanList,
	iamtypes.ContextKeyTypeEnumNumeric: iamtypes.ContextKeyTypeEnumNumericList,
	iamtypes.ContextKeyTypeEnumDate:    iamtypes.ContextKeyTypeEnumDateList,
	iamtypes.ContextKeyTypeEnumIp:      iamtypes.ContextKeyTypeEnumIpList,
}

// keyType returns the simulator's type of a key.
func keyType(key string, multi bool) iamtypes.ContextKeyTypeEnum {
	t, ok := keyTypes[strings.ToLower(key)]
	if !ok {
		t = iamtypes.ContextKeyTypeEnumString
	}
	if multi {
		return listTypes[t]
	}
	return t
}

// maxKeyName is the longest key name the simulator takes.
const maxKeyName = 256

// contextEntries turns what is known of a context into the simulator's entries.
// A key without entry is absent to the simulator.
func contextEntries(c policy.Context) []iamtypes.ContextEntry {
	var entries []iamtypes.ContextEntry
	for _, key := range c.Known() {
		values, multi, _ := c.Lookup(key)
		if len(values) == 0 || len(key) > maxKeyName {
			continue
		}
		entries = append(entries, entry(key, multi, values...))
	}
	return entries
}

func entry(key string, multi bool, values ...string) iamtypes.ContextEntry {
	return iamtypes.ContextEntry{
		ContextKeyName:   aws.String(key),
		ContextKeyType:   keyType(key, multi),
		ContextKeyValues: values,
	}
}

// trialsOf returns the entries of every other way the open keys can be, apart
// from all of them being absent, against which a verdict is to be tried. It is
// not ok when a key has too many values to try.
func trialsOf(c policy.Context, open []string) (trials [][]iamtypes.ContextEntry, ok bool) {
	trials = [][]iamtypes.ContextEntry{nil}
	for _, key := range open {
		values, few := c.Possible(key)
		if !few {
			return nil, false
		}
		for _, t := range trials {
			for _, v := range values {
				trials = append(trials, append(t[:len(t):len(t)], entry(key, false, v)))
			}
		}
	}
	return trials[1:], true
}
