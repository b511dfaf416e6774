package awsiam

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"

	"ssmguard/guard/policy"
)

const (
	mfaPresent  = "aws:MultiFactorAuthPresent"
	accessCheck = "ssm:SessionDocumentAccessCheck"
)

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

// trialValues are the values, beside absence, that keys of few values can have
// in a request of ours.
var trialValues = map[string][]string{
	strings.ToLower(mfaPresent):  {"true", "false"},
	strings.ToLower(accessCheck): {"true", "false"},
}

// valuesToTry returns the values of a key that a verdict has to stand. What AWS gives
// ssm:SessionDocumentAccessCheck is not documented; every observation agrees with
// "true" or none, so an allowance need not stand "false". A denial must: that it
// has never been seen proves nothing.
func valuesToTry(key string, v policy.Verdict) (values []string, few bool) {
	values, few = trialValues[strings.ToLower(key)]
	if strings.EqualFold(key, accessCheck) && !v.Denies() {
		values = values[:1]
	}
	return values, few
}

// trialsOf returns the entries of every other way the open keys can be, apart
// from all of them being absent, against which a verdict is to be tried. It is
// not ok when a key has too many values to try.
func trialsOf(open []string, v policy.Verdict) (trials [][]iamtypes.ContextEntry, ok bool) {
	trials = [][]iamtypes.ContextEntry{nil}
	for _, key := range open {
		values, few := valuesToTry(key, v)
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
