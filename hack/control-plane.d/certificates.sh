# shellcheck shell=bash
# The certificates and kubeconfigs of one control plane.
# Uses $name, $dir, $pki and $kubeconfig.
# shellcheck disable=SC2154 # the variables named here are set by hack/control-plane
#
# Two authorities: `ca` for the API (its client certificates are users), and `etcd-ca` for etcd, so that no user of
# the API can reach past it into the database.

openssl_() {
  local errors
  errors=$(openssl "$@" 2>&1 >/dev/null) || die "openssl $1 failed: $errors"
}

# sign FILE AUTHORITY SUBJECT EXTENSION…: makes FILE.key and FILE.crt. An AUTHORITY of '' signs with itself.
# The configuration is given, because the system's may add extensions of its own.
sign() {
  local file=$1 authority=$2 subject=$3 extension arguments=()
  shift 3
  for extension in "$@"; do arguments+=(-addext "$extension"); done
  [[ -z $authority ]] || arguments+=(-CA "$pki/$authority.crt" -CAkey "$pki/$authority.key")
  openssl_ req -x509 -config <(printf '[req]\ndistinguished_name=name\n[name]\n') -days 3650 -subj "$subject" \
    -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -keyout "$file.key" -out "$file.crt" "${arguments[@]}"
}

sign_authority() {
  sign "$pki/$1" '' "/CN=undercloud-$name-$1" basicConstraints=critical,CA:TRUE keyUsage=critical,keyCertSign,cRLSign
}

# sign_server_certificate NAME AUTHORITY USAGES
sign_server_certificate() {
  local hosts=IP:127.0.0.1,DNS:localhost
  [[ $1 != kube-apiserver ]] || hosts+=,IP:10.0.0.1,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc
  sign "$pki/$1" "$2" "/CN=$1" basicConstraints=critical,CA:FALSE "extendedKeyUsage=$3" "subjectAltName=$hosts"
}

# sign_client_certificate FILE USER GROUP…: the API server takes the user from CN and the groups from O.
sign_client_certificate() {
  local file=$1 user=$2 subject='' group
  shift 2
  for group in "$@"; do subject+=/O=${group//\//\\/}; done
  sign "$file" ca "$subject/CN=${user//\//\\/}" basicConstraints=critical,CA:FALSE extendedKeyUsage=clientAuth
}

# Made once, whole or not at all: what is signed later (`kubeconfig --user`) must fit what clients hold already.
# The local $pki is what the functions above see when called from here.
ensure_certificates() {
  [[ ! -d $pki ]] || return 0
  command -v openssl >/dev/null || die "openssl is missing: install the Debian package openssl."
  local final=$pki pki=$dir/pki.partial
  rm -rf "$pki"
  mkdir -p "$pki"
  sign_authority ca
  sign_authority etcd-ca
  sign_server_certificate etcd etcd-ca serverAuth,clientAuth
  sign_server_certificate kube-apiserver ca serverAuth
  sign_server_certificate kube-controller-manager ca serverAuth
  sign_client_certificate "$pki/admin" admin system:masters
  sign_client_certificate "$pki/controller-manager" system:kube-controller-manager
  # RSA, because the API server reads the public half out of this kind of private key only.
  openssl_ genpkey -algorithm RSA -out "$pki/service-account.key"
  mv "$pki" "$final"
}

# print_kubeconfig FILE USER: a kubeconfig that stands by itself, for the key pair FILE.key and FILE.crt.
print_kubeconfig() {
  local context=undercloud-$name
  cat <<EOF
apiVersion: v1
kind: Config
clusters:
  - name: $context
    cluster:
      server: $(url kube-apiserver)
      certificate-authority-data: $(base64 -w0 "$pki/ca.crt")
users:
  - name: '${2//\'/\'\'}'
    user:
      client-certificate-data: $(base64 -w0 "$1.crt")
      client-key-data: $(base64 -w0 "$1.key")
contexts:
  - name: $context
    context: { cluster: $context, user: '${2//\'/\'\'}' }
current-context: $context
EOF
}

write_kubeconfigs() {
  print_kubeconfig "$pki/admin" admin >"$kubeconfig"
  print_kubeconfig "$pki/controller-manager" system:kube-controller-manager >"$dir/controller-manager.kubeconfig"
}
