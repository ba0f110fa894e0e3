package main

// inLimiting is about how often clients may call.
var inLimiting = []bug{
	{"a refused request is counted all the same", "shared/ratelimit/gcra.lua",
		"mode == '0' and refused == 0", "mode == '0'", []string{"./shared/ratelimit", "-run", "TestScript"}},
	{"a Redis that is away is asked by every request", "shared/ratelimit/limiter.go",
		"now >= again && l.again.CompareAndSwap(again, now+int64(pause))", "now >= 0 || again < 0", []string{"./shared/ratelimit", "-run", "TestWithoutRedis|TestOneAtATime"}},
	{"a client behind a proxy says himself who he is", "shared/ratelimit/address.go",
		"i >= 0 && among(at, proxies)", "i >= 0 && at.IsValid()", []string{"./shared/ratelimit", "-run", "TestAddresses"}},
	{"what an instance passes on is counted again", "shared/ratelimit/gate.go",
		"return r.Header.Get(relay.Guard) != \"\"", "return r.Header.Get(relay.Guard) == \"nobody\"", []string{"./shared/ratelimit", "-run", "TestPassedOn"}},
}
