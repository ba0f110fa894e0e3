# Measurements. Each prints what was compared in one and the same run.
.PHONY: bench bench-analysis
bench: ## measures chatlog on the parts of make stack-up against yardsticks, in turns
	@$(GO) run ./deploy/bench $(BENCH)
bench-analysis: ## compares chatlog's search analysis with Elasticsearch's own
	@catalogues=$$(deploy/catalogue/fetch.sh) && $(GO) run ./deploy/bench/searchanalysis $$catalogues
