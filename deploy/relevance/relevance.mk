# Does search find what it must, in many languages?
.PHONY: relevance
relevance: ## asks both search engines (Elasticsearch at RELEVANCE, of make stack-up) questions with known answers; writes docs/relevance.md
	@catalogues=$$(deploy/catalogue/fetch.sh) && $(GO) run ./deploy/relevance -elasticsearch "$${RELEVANCE-http://127.0.0.1:19200}" -o docs/relevance.md $$catalogues
