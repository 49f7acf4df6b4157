{{/* Names, labels, and the parts that every pod has. */}}

{{/* End with a sentence. `helm lint` only logs what `fail` says, and goes on: a template of that name
     does not exist, which ends it with the same sentence. */}}
{{- define "liq.refuse" -}}
{{- fail . -}}{{- include . . -}}
{{- end }}

{{- define "liq.name" -}}
{{- printf "%s-%s" .root.Release.Name .worker | trunc 52 | trimSuffix "-" -}}
{{- end }}

{{- define "liq.labels" -}}
app.kubernetes.io/name: liquidation-engine
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .worker }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "liq.selector" -}}
app.kubernetes.io/name: liquidation-engine
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .worker }}
{{- end }}

{{- define "liq.image" -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end }}

{{/* What a worker runs: the command of compose's service of the same name. */}}
{{- define "liq.command" -}}
{{- $commands := dict "normalize" (list "process" "normalize") "detect" (list "process" "detect") "sink" (list "sink" "clickhouse") "sink-redis" (list "sink" "redis") -}}
{{- $command := get $commands .worker | default (list .worker) -}}
{{- if eq .worker "produce" }}{{ $command = concat $command .values.exchanges }}{{ end -}}
{{- toJson $command -}}
{{- end }}

{{/* A value as text: 1000000, where YAML's numbers would print 1e+06. */}}
{{- define "liq.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) -}}{{ printf "%.0f" . }}{{- else -}}{{ toString . }}{{- end -}}
{{- end }}

{{/* Settings that a role may say, secrets by reference, and what only the pod knows. */}}
{{- define "liq.env" -}}
{{- $root := .root -}}
{{- $kafka := $root.Values.kafka -}}
{{- $plain := dict
  "KAFKA_BOOTSTRAP_SERVERS" $kafka.bootstrapServers
  "KAFKA_SECURITY_PROTOCOL" $kafka.securityProtocol
  "TOPIC_NAMESPACE" $root.Values.topics.namespace
  "TOPIC_PARTITIONS" (int $root.Values.topics.partitions | toString)
  "TOPIC_REPLICATION" (int $root.Values.topics.replication | toString)
  "LOG_LEVEL" $root.Values.logLevel
  "LOG_FORMAT" "json"
  "HTTP_HOST" "0.0.0.0"
  "HTTP_PORT" "8080" -}}
{{- if $kafka.caSecret }}{{ $_ := set $plain "KAFKA_SSL_CAFILE" "/etc/liq/kafka-ca/ca.crt" }}{{ end -}}
{{- $isSasl := hasPrefix "SASL" $kafka.securityProtocol -}}
{{- if $isSasl }}{{ $_ := set $plain "KAFKA_SASL_MECHANISM" $kafka.saslMechanism }}{{ end -}}
{{- $isWarehouse := has .worker (list "sink" "serve" "migrate") -}}
{{- if $isWarehouse }}
{{- $_ := set $plain "CLICKHOUSE_URL" $root.Values.clickhouse.url }}
{{- $_ := set $plain "CLICKHOUSE_DATABASE" $root.Values.clickhouse.database }}
{{- end -}}
{{- if eq .worker "serve" }}{{ $_ := set $plain "WEB_HOST" "0.0.0.0" }}{{ end -}}
{{- if eq .worker "notify" }}{{ $_ := set $plain "NOTIFY_RULES" "/etc/liq/notify/notify.yaml" }}{{ end -}}
{{- range $settings := list $root.Values.settings .settings }}
{{- range $name, $value := $settings }}{{ $_ := set $plain $name (include "liq.text" $value) }}{{ end }}
{{- end -}}
{{- range $name, $value := $plain }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
- name: WORKER_SLOT
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
{{- $login := .kafkaSecret | default $kafka.secret }}
{{- if and $isSasl (not $login) }}
{{- include "liq.refuse" (printf "kafka.securityProtocol is %s, which needs a login: set kafka.secret, or kafkaSecret of %s, to the name of a secret with the keys username and password." $kafka.securityProtocol .worker) }}
{{- end }}
{{- if and $isSasl $login }}
- name: KAFKA_SASL_USERNAME
  valueFrom: {secretKeyRef: {name: {{ $login }}, key: username}}
- name: KAFKA_SASL_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ $login }}, key: password}}
{{- end }}
{{- if $isWarehouse }}
{{- $key := get (dict "sink" "ingestSecret" "serve" "readerSecret" "migrate" "migratorSecret") .worker }}
{{- $secret := get $root.Values.clickhouse $key }}
{{- if not $secret }}
{{- include "liq.refuse" (printf "%s talks to ClickHouse: set clickhouse.%s to the name of a secret with the keys username and password." .worker $key) }}
{{- end }}
- name: CLICKHOUSE_USER
  valueFrom: {secretKeyRef: {name: {{ $secret }}, key: username}}
- name: CLICKHOUSE_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ $secret }}, key: password}}
{{- end }}
{{- if eq .worker "sink-redis" }}
{{- if not .values.urlSecret }}
{{- include "liq.refuse" "sink-redis talks to Redis: set workers.sink-redis.urlSecret to the name of a secret with the key url." }}
{{- end }}
- name: REDIS_URL
  valueFrom: {secretKeyRef: {name: {{ .values.urlSecret }}, key: url}}
{{- end }}
{{- if and (eq .worker "serve") .values.tokensSecret }}
- name: WEB_TOKENS
  valueFrom: {secretKeyRef: {name: {{ .values.tokensSecret }}, key: tokens}}
{{- end }}
{{- end }}

{{- define "liq.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "liq.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{- define "liq.mounts" -}}
volumeMounts:
  - {name: tmp, mountPath: /tmp}
  {{- if .root.Values.kafka.caSecret }}
  - {name: kafka-ca, mountPath: /etc/liq/kafka-ca, readOnly: true}
  {{- end }}
  {{- if eq .worker "notify" }}
  - {name: rules, mountPath: /etc/liq/notify, readOnly: true}
  {{- end }}
{{- end }}

{{- define "liq.volumes" -}}
volumes:
  - name: tmp
    emptyDir: {sizeLimit: 64Mi}
  {{- if .root.Values.kafka.caSecret }}
  - name: kafka-ca
    secret: {secretName: {{ .root.Values.kafka.caSecret }}}
  {{- end }}
  {{- if eq .worker "notify" }}
  - name: rules
    configMap: {name: {{ include "liq.name" . }}-rules}
  {{- end }}
{{- end }}

{{/* The pod of a worker: root, worker, values, settings, kafkaSecret. */}}
{{- define "liq.pod" -}}
metadata:
  labels: {{- include "liq.labels" . | nindent 4 }}
  {{- $annotations := .root.Values.podAnnotations }}
  {{- if eq .worker "notify" }}{{ $annotations = merge (dict "checksum/rules" (sha256sum .values.rules)) $annotations }}{{ end }}
  {{- with $annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- include "liq.podSecurity" . | nindent 2 }}
  terminationGracePeriodSeconds: {{ .root.Values.terminationGracePeriodSeconds }}
  {{- with .root.Values.image.pullSecrets }}
  imagePullSecrets: {{- range . }}
    - name: {{ . }}
  {{- end }}
  {{- end }}
  {{- with .root.Values.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .root.Values.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if .root.Values.topologySpread.enabled }}
  topologySpreadConstraints:
    {{- $selector := include "liq.selector" . }}
    {{- range .root.Values.topologySpread.keys }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels: {{- $selector | nindent 10 }}
    {{- end }}
  {{- end }}
  containers:
    - name: {{ .worker }}
      image: {{ include "liq.image" .root }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      args: {{ include "liq.command" . }}
      env: {{- include "liq.env" . | nindent 8 }}
      {{- if and (eq .worker "produce") .values.keysSecret }}
      envFrom:
        - secretRef: {name: {{ .values.keysSecret }}}
      {{- end }}
      {{- if and (eq .worker "notify") .values.secret }}
      envFrom:
        - secretRef: {name: {{ .values.secret }}}
      {{- end }}
      ports:
        - {name: metrics, containerPort: 8080}
        {{- if eq .worker "serve" }}
        - {name: page, containerPort: 8000}
        {{- end }}
      # Only a loop that does not turn fails /healthz; /readyz informs and restarts nothing.
      startupProbe:
        httpGet: {path: /healthz, port: metrics}
        periodSeconds: 2
        timeoutSeconds: 3
        failureThreshold: 60
      livenessProbe:
        httpGet: {path: /healthz, port: metrics}
        periodSeconds: 10
        timeoutSeconds: 3
        failureThreshold: 3
      readinessProbe:
        httpGet: {path: /readyz, port: metrics}
        periodSeconds: 10
        timeoutSeconds: 3
        failureThreshold: 3
      resources: {{- toYaml .values.resources | nindent 8 }}
      {{- include "liq.containerSecurity" . | nindent 6 }}
      {{- include "liq.mounts" . | nindent 6 }}
  {{- include "liq.volumes" . | nindent 2 }}
{{- end }}
