// Package openapi holds the HTTP contract of both services as an OpenAPI 3.1
// document.
package openapi

import (
	_ "embed" // for the document
	"net/http"

	"chatlog/shared/httpserve"
)

//go:embed openapi.yaml
var document []byte

// Serve serves the document.
func Serve(http.ResponseWriter, *http.Request, httpserve.Params) (any, error) {
	return httpserve.Raw{ContentType: "application/yaml", Body: document}, nil
}
