package main

// inSettling are bugs at the desk of dead letters.
var inSettling = []bug{
	{"a letter is settled although its view has not taken it", "sinks/internal/letters/desk.go",
		"if err == nil && refused != \"\" {",
		"if false {", []string{"./sinks/internal/letters", "-run", "TestRetryByFilter"}},
	{"a view that took a command is believed to have it", "sinks/internal/verify/again.go",
		"for _, d := range compare(changes, found) {",
		"for _, d := range compare(changes, found)[:0] {", []string{"./sinks/internal/verify", "-run", "TestAgainInVain"}},
	{"what was retried and is rejected again is not told", "shared/deadletter/writer.go",
		"return t.rejected && t.retried }",
		"return false }", []string{"./shared/deadletter", "-run", "TestConformanceEmbedded/what_was_retried"}},
	{"a letter is settled twice", "shared/deadletter/book.go",
		"known && m.state == Open {",
		"known {", []string{"./shared/deadletter", "-run", "TestBook"}},
	{"another record passes for a letter's", "sinks/sinkd/letters_parts.go",
		"if len(l.Sum) > 0 && deadletter.DigestOf(r.Key, r.Value) != l.Digest() {",
		"if false {", []string{"./sinks/sinkd", "-run", "TestAnotherRecordLiesThere"}},
	{"a letter of imports is retried at a view that there is not", "sinks/internal/letters/way.go",
		"l.View != imports && l.Log",
		"l.Log", []string{"./sinks/internal/letters", "-run", "TestWayOf"}},
	{"a truncated letter is not found by its application", "shared/deadletter/letter.go",
		"if len(l.Key) > keyKept {",
		"if true {", []string{"./shared/deadletter", "-run", "TestTruncated"}},
	{"a letter quotes its record until it is too large", "shared/deadletter/letter.go",
		"if end := reasonKept; len(l.Reason) > end {",
		"if end := reasonKept; false {", []string{"./shared/deadletter", "-run", "TestACompressedRecord"}},
}
