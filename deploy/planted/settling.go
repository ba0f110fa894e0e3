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
}
