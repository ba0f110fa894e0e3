# One image with three commands: ingest, sinks and query.
FROM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# The build's context has no repository to read them from.
ARG VERSION="" REVISION=""
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w -X chatlog/shared/version.release=$VERSION -X chatlog/shared/version.revision=$REVISION" -o /out/ ./ingest ./sinks ./query

# Alpine for its wget, which the health checks use.
FROM alpine:3.22.2
RUN adduser -D -H -u 10001 chatlog
COPY --from=build /out/ /usr/local/bin/
USER 10001
WORKDIR /
EXPOSE 8000 8001 3001
CMD ["query"]
