.PHONY: chaos
chaos: ## breaks everything under load, every fault at least once, and judges what clients saw
	@mkdir -p bin && $(GO) build -o bin/chaos ./deploy/chaos && exec bin/chaos $(CHAOS)
