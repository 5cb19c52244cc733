# The whole ecosystem in one static binary. `docker build .` needs nothing but the Go image below; no BuildKit feature is
# used, so every builder of the last years can make it.

FROM golang:1.26 AS build
WORKDIR /src

# Modules first: they change seldom, so that an edit of the code does not download them again.
COPY go.mod go.sum ./
RUN go mod download

COPY . .
RUN CGO_ENABLED=0 GOFLAGS=-buildvcs=false go build -trimpath -ldflags "-s -w" -o /image/ccmock ./cmd/ccmock

# The certificate authorities are for real services put in place of a stub by https URL.
RUN mkdir -p /image/etc/ssl/certs && \
    if [ -s /etc/ssl/certs/ca-certificates.crt ]; then cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/; fi

FROM scratch
COPY --from=build /image/ /

# Nobody's number: nothing in the image is writable, and signing keys live in memory unless a volume is mounted.
USER 65532:65532

# A scratch image has no shell and no curl: the binary asks its own control plane.
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 CMD ["/ccmock", "health"]

ENTRYPOINT ["/ccmock"]
