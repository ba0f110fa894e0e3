# Measurements. Each prints what was compared in one and the same run.
.PHONY: bench-analysis
bench-analysis: ## compares chatlog's search analysis with Elasticsearch's own
	@catalogues=$$(deploy/catalogue/fetch.sh) && $(GO) run ./deploy/bench/searchanalysis $$catalogues
