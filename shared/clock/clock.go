// Package clock is what the services believe the time to be.
//
// It is for wall time alone: times that are written down or compared with those
// of others. How long something takes is measured with time.Now and time.Since,
// and deadlines of contexts and connections are computed from time.Now: the
// runtime compares these with its own clock, so one made from a clock that is
// an hour off would be over at once, or an hour late, which no computer with a
// wrong clock does (its deadlines are made and judged by the same wrong clock).
//
// Nothing that chatlog promises rests on it. It dates commands and dead letters;
// numbers, tokens, leases, lists and which record counts know no time. Two
// instances an hour apart may date an edit before the create, and what is found
// equally well is ordered by the dates as they are.
//
// In builds with the tag skewedclock, CHATLOG_TEST_CLOCK_SKEW (a duration such
// as -1h) puts one process's clock wrong. Other builds have no code of that.
package clock

import "time"

// Now is the present as this process believes it to be. It keeps the monotonic
// reading, so that differences between two of them are true even when somebody
// sets the computer's clock meanwhile.
func Now() time.Time { return present() }
