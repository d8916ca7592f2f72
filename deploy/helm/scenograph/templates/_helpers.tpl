{{/* Names are RELEASE-SERVICE, or SERVICE's alone where the release is called scenograph: scenograph-gateway. */}}
{{- define "scenograph.fullname" -}}
{{- if contains "scenograph" .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-scenograph{{ end }}
{{- end }}

{{/* The services of the gateway's clients and peers that run in pods of their own. */}}
{{- define "scenograph.stateless" -}}
{{- if eq .Values.mode "split" }}gateway visual textual encoder hashing matching{{ end }}
{{- end }}

{{/* The one that has the index. */}}
{{- define "scenograph.stateful" -}}
{{- if eq .Values.mode "split" }}index{{ else }}all{{ end }}
{{- end }}

{{/* The one that clients call. */}}
{{- define "scenograph.entry" -}}
{{- if eq .Values.mode "split" }}gateway{{ else }}all{{ end }}
{{- end }}

{{/* What selects a service's pods. Takes root, name. */}}
{{- define "scenograph.selector" -}}
app.kubernetes.io/name: scenograph
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end }}

{{- define "scenograph.labels" -}}
{{ include "scenograph.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{/*
Settings by dotted name as environment: gateway.searches is SCENOGRAPH_GATEWAY_SEARCHES. Takes a map.
Numbers go through JSON, since templates would write 2000000 as 2e+06.
*/}}
{{- define "scenograph.settings" -}}
{{- range $name, $value := . }}
- name: SCENOGRAPH_{{ $name | replace "." "_" | upper }}
  value: {{ if kindIs "string" $value }}{{ $value | quote }}{{ else }}{{ $value | toJson | quote }}{{ end }}
{{- end }}
{{- end }}

{{/* The kinds of secrets that a service's pods mount. Takes root, name. */}}
{{- define "scenograph.secrets" -}}
{{- if .root.Values.tls.existingSecret }}tls {{ end }}
{{- if .root.Values.security.existingSecret }}security {{ end }}
{{- if and .root.Values.encryption.existingSecret (has .name (list "gateway" "index" "all")) }}encryption{{ end }}
{{- end }}

{{/* The environment of a server. Takes root, name. */}}
{{- define "scenograph.env" -}}
{{- $values := .root.Values }}
{{- $settings := dict }}
{{- if eq .name "gateway" }}
{{- range list "visual" "textual" "encoder" "hashing" "matching" "index" }}
{{- $_ := set $settings (printf "gateway.%s_address" .) (printf "dns:///%s-%s:7700" (include "scenograph.fullname" $.root) .) }}
{{- end }}
{{- end }}
{{- if $values.tls.existingSecret }}
{{- $_ := set $settings "tls.certificate" "/etc/scenograph/tls/tls.crt" }}
{{- $_ := set $settings "tls.key" "/etc/scenograph/tls/tls.key" }}
{{- $_ := set $settings "tls.ca" "/etc/scenograph/tls/ca.crt" }}
{{- if $values.tls.clientCertificates }}
{{- $_ := set $settings "tls.client_ca" "/etc/scenograph/tls/ca.crt" }}
{{- end }}
{{- end }}
{{- if $values.security.existingSecret }}
{{- $_ := set $settings "security.principals" "/etc/scenograph/security/principals.toml" }}
{{- $_ := set $settings "security.service_key_file" "/etc/scenograph/security/service-key" }}
{{- end }}
{{- if contains "encryption" (include "scenograph.secrets" .) }}
{{- $_ := set $settings "index.key_file" "/etc/scenograph/encryption/index.key" }}
{{- end }}
{{- range list $values.settings ((index $values.services .name).settings | default dict) }}
{{- range $name, $value := . }}
{{- $_ := set $settings $name $value }}
{{- end }}
{{- end }}
{{- include "scenograph.settings" $settings }}
{{- if and (has .name (list "gateway" "all")) (or $values.redis.url $values.redis.existingSecret) }}
- name: SCENOGRAPH_GATEWAY_REDIS_URL
  valueFrom:
    secretKeyRef:
      name: {{ $values.redis.existingSecret | default (printf "%s-redis" (include "scenograph.fullname" .root)) }}
      key: url
{{- end }}
{{- with $values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* How health is asked: where TLS is on, Kubernetes' gRPC probes cannot, and the server's own command does. Takes root. */}}
{{- define "scenograph.probe" -}}
{{- if .root.Values.tls.existingSecret }}
exec:
  command: [scenograph, health]
timeoutSeconds: 5
{{- else }}
grpc:
  port: 7700
timeoutSeconds: 2
{{- end }}
{{- end }}

{{- define "scenograph.confined" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "scenograph.mounts" -}}
- name: tmp
  mountPath: /tmp
{{- if has .name (list "gateway" "index" "all") }}
- name: data
  mountPath: /var/lib/scenograph
{{- end }}
{{- if .root.Values.packs.existingClaim }}
- name: packs
  mountPath: /opt/packs
  readOnly: true
{{- end }}
{{- range $kind := include "scenograph.secrets" . | splitList " " | compact }}
- name: {{ $kind }}
  mountPath: /etc/scenograph/{{ $kind }}
  readOnly: true
{{- end }}
{{- with .root.Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* A pod of a service. Takes root, name. */}}
{{- define "scenograph.pod" -}}
{{- $values := .root.Values }}
{{- $service := index $values.services .name }}
{{- $image := printf "%s/%s:%s" $values.image.repository .name ($values.image.tag | default .root.Chart.AppVersion) }}
metadata:
  labels:
    {{- include "scenograph.labels" . | nindent 4 }}
  {{- with $service.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "scenograph.fullname" .root }}
  automountServiceAccountToken: false
  # Variables that Kubernetes makes of services, such as SCENOGRAPH_PORT, would be taken for settings.
  enableServiceLinks: false
  {{- $drain := merge (dict) ($service.settings | default dict) $values.settings }}
  terminationGracePeriodSeconds: {{ add 10 $drain.drain_delay_s $drain.drain_grace_s }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile:
      type: RuntimeDefault
  {{- with $values.image.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if eq .name "gateway" }}
  # The gateway asks the index which packs its collections need.
  initContainers:
    - name: wait-for-index
      image: {{ $image }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      args: [health, --wait=600, "--server={{ include "scenograph.fullname" .root }}-index:7700"]
      env:
        {{- include "scenograph.env" . | trim | nindent 8 }}
      resources:
        requests: {cpu: 50m, memory: 128Mi}
        limits: {memory: 256Mi}
      securityContext:
        {{- include "scenograph.confined" . | nindent 8 }}
      volumeMounts:
        {{- include "scenograph.mounts" . | nindent 8 }}
  {{- end }}
  containers:
    - name: {{ .name }}
      image: {{ $image }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      ports:
        - {name: grpc, containerPort: 7700}
        - {name: metrics, containerPort: 9464}
      env:
        {{- include "scenograph.env" . | trim | nindent 8 }}
      # Health says whether calls are taken, which is no reason to kill: liveness asks for an open port alone.
      startupProbe:
        {{- include "scenograph.probe" . | trim | nindent 8 }}
        periodSeconds: 5
        failureThreshold: 120
      readinessProbe:
        {{- include "scenograph.probe" . | trim | nindent 8 }}
        periodSeconds: {{ if $values.tls.existingSecret }}15{{ else }}5{{ end }}
      livenessProbe:
        tcpSocket:
          port: grpc
        periodSeconds: 10
        failureThreshold: 6
      {{- with $service.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      securityContext:
        {{- include "scenograph.confined" . | nindent 8 }}
      volumeMounts:
        {{- include "scenograph.mounts" . | nindent 8 }}
  volumes:
    - name: tmp
      emptyDir: {medium: Memory, sizeLimit: 64Mi}
    {{- if eq .name "gateway" }}
    - name: data  # uploads
      emptyDir: {sizeLimit: 2Gi}
    {{- end }}
    {{- with $values.packs.existingClaim }}
    - name: packs
      persistentVolumeClaim:
        claimName: {{ . }}
        readOnly: true
    {{- end }}
    {{- range $kind := include "scenograph.secrets" . | splitList " " | compact }}
    - name: {{ $kind }}
      secret:
        secretName: {{ (index $values $kind).existingSecret }}
        defaultMode: 0440
    {{- end }}
    {{- with $values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "scenograph.selector" . | nindent 10 }}
  {{- with $service.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $service.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $service.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
