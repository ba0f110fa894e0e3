package main

// inTracing is about what is told of a write on its way.
var inTracing = []bug{
	{"a record goes without its trace", "ingest/ingestd/adapters.go",
		"if r.Trace != nil {", "if false {", []string{"./deploy/e2e", "-run", "TestEmbeddedTrace$"}},
	{"spans that are lost are not counted", "shared/tracing/outlet.go",
		"if o.waiting.Add(1) > queueSpans {", "if o.waiting.Add(1) < 0 {", []string{"./shared/tracing", "-run", "TestACollectorThatHangs"}},
	{"an outage is a span for every try", "sinks/internal/consume/tracing.go",
		"again && at == b.From:", "again && at < 0:", []string{"./sinks/internal/consume", "-run", "TestAnOutageIsOneSpan"}},
}
