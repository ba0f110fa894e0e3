.PHONY: planted
planted: ## plants bugs into the code and checks that the tests catch each of them
	@$(GO) run ./deploy/planted $(PLANTED)
