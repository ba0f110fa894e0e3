# Tools that drive a running chatlog from outside.
.PHONY: feed
feed: ## posts real texts in six languages to what runs on 8000 and 3001, reads and searches them
	@catalogues=$$(deploy/catalogue/fetch.sh) && $(GO) run ./deploy/e2e/feed $(FEED) $$catalogues
.PHONY: tour
tour: ## makes every call once against what runs on 8000 and 3001, with curl
	@deploy/e2e/tour.sh
.PHONY: pairs
pairs: ## posts and at once reads, 2,000 times, against what runs on 8000 and 3001
	@deploy/e2e/pairs.sh
