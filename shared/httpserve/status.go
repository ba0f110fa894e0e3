package httpserve

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"chatlog/shared/fault"
	"chatlog/shared/telemetry"
)

// Status adds what every service has: /healthz, /readyz and /metrics.
func (r *Router) Status(parts []telemetry.Part, metrics prometheus.Gatherer) {
	r.Handle(http.MethodGet, "/healthz", func(http.ResponseWriter, *http.Request, Params) (any, error) {
		return map[string]string{"status": "ok"}, nil
	})
	r.Mount(http.MethodGet, "/readyz", telemetry.NewHealth(fault.PublicOf, parts...).Tell(r.logger))
	r.Mount(http.MethodGet, "/metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}))
}
