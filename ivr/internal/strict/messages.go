package strict

// What can be wrong with a file before it is known what it means. The second
// line of a message is its hint.
const (
	msgTooLarge      Message = "the file is larger than %d bytes"
	msgEmpty         Message = "the file is empty"
	msgSyntax        Message = "not YAML: %s"
	msgAlias         Message = "anchors and aliases are not allowed\nwrite it out"
	msgDepth         Message = "nested deeper than %d levels"
	msgNotMapping    Message = "%s must be a mapping\nwrite it as name: value"
	msgKey           Message = "a key of %s must be a word"
	msgDuplicate     Message = "duplicate key %q in %s"
	msgUnknownKey    Message = "unknown key %q in %s\n%s"
	msgMissing       Message = "%s has no %s"
	msgNotString     Message = "%s must be a text"
	msgNotBool       Message = "%s must be true or false"
	msgNotInt        Message = "%s must be a whole number from %d to %d"
	msgNotDuration   Message = "%s must be a length of time\nwrite it like 5s or 500ms"
	msgDurationRange Message = "%s of %s is out of range\nfrom %s to %s"
)
