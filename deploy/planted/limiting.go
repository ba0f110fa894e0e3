package main

// inLimiting is about how often clients may call.
var inLimiting = []bug{
	{"a refused request is counted all the same", "shared/ratelimit/gcra.lua",
		"mode == '0' and refused == 0", "mode == '0'", []string{"./shared/ratelimit", "-run", "TestScript"}},
	{"a Redis that is away is asked by every request", "shared/ratelimit/limiter.go",
		"now >= again && l.again.CompareAndSwap(again, next)", "now >= 0 || again < 0", []string{"./shared/ratelimit", "-run", "TestWithoutRedis|TestOneAtATime"}},
	{"a client behind a proxy says himself who he is", "shared/ratelimit/address.go",
		"i >= 0 && among(at, proxies)", "i >= 0 && at.IsValid()", []string{"./shared/ratelimit", "-run", "TestAddresses"}},
	{"what an instance passes on is counted again", "shared/ratelimit/gate.go",
		"r.Header.Get(relay.Guard) != \"\"", "r.Header.Get(relay.Guard) == \"nobody\"", []string{"./shared/ratelimit", "-run", "TestPassedOn"}},
	{"a token that is spelt otherwise is counted nowhere", "shared/httpserve/router.go",
		"if unescape(w, list) && guard.enter", "if guard.enter", []string{"./shared/ratelimit", "-run", "TestScopes"}},
	{"guesses made at once are forgotten", "shared/ratelimit/gcra.lua",
		"math.min(full[i] + every, now + most)", "math.min(full[i] + every, now + tonumber(ARGV[4*i-2]))", []string{"./shared/ratelimit", "-run", "TestScript|TestGuessingAtOnce"}},
	{"a clock of Redis that goes back locks clients out", "shared/ratelimit/gcra.lua",
		"math.min(math.max(known, now), now + most)", "math.max(known, now)", []string{"./shared/ratelimit", "-run", "TestScript"}},
}
