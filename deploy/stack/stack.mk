# The real parts without Docker; see deploy/stack/stack.sh for what can be set.
.PHONY: stack-up stack-down stack-status compose-check
stack-up: ## starts real Kafka, Elasticsearch, MySQL and Redis
	@deploy/stack/stack.sh up
stack-down: ## stops them; their data stays
	@deploy/stack/stack.sh down
stack-status: ## says what of them runs
	@deploy/stack/stack.sh status
compose-check: ## checks docker-compose.yml with Docker Compose itself
	@deploy/stack/compose-check.sh
